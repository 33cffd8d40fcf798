// What is run inside of Pods: shell and BusyBox alone, as no other program is sure to be there. Results go to the termination message.
import type { FigureKey } from './model.ts'

/**
 * `rate <name> <amount> <command>` repeats the command until it takes half a second, does so three times, and writes
 * `<name> <amount a second>` of the best: what else goes on in a machine can only make it slower.
 */
export const rateScript = `
out=/dev/termination-log
now() { cut -d' ' -f1 /proc/uptime; }
rate() {
  name=$1 amount=$2 n=1 times=0 best=1000000
  shift 2
  while [ $times -lt 3 ]; do
    i=0 s=$(now)
    while [ $i -lt $n ]; do
      "$@" >/dev/null 2>&1 || return 0
      i=$((i + 1))
    done
    t=$(awk -v s=$s -v e=$(now) 'BEGIN { t = e - s; print (t < 0.01) ? 0.01 : t }')
    if [ $n -lt 1024 ] && awk -v t=$t 'BEGIN { exit !(t < 0.5) }'; then
      n=$((n * 4)) times=0 best=1000000
    else
      best=$(awk -v b=$best -v t=$t 'BEGIN { print (t < b) ? t : b }') times=$((times + 1))
    fi
  done
  echo "$name $(awk -v a=$amount -v n=$n -v b=$best 'BEGIN { print a * n / b }')" >> $out
}
`

/** Needs an emptyDir at /data. */
export const insideScript = `${rateScript}
sha256() { dd if=/dev/zero bs=1M count=32 2>/dev/null | sha256sum; }
syscalls() { dd if=/dev/zero of=/dev/null bs=1 count=50000; }
process() { /bin/busybox true; }
write() { dd if=/dev/zero of=/data/f bs=1M count=64 conv=fsync; }
read_() { dd if=/data/f of=/dev/null bs=1M; }
files() {
  mkdir /data/s; j=0
  while [ $j -lt 100 ]; do echo x > /data/s/$j; j=$((j + 1)); done
  rm -r /data/s
}
echo "kernel $(uname -r)" >> $out
rate sha256 32 sha256
rate syscalls 100000 syscalls
rate processes 1 process
rate write 64 write
rate read 64 read_
rate files 100 files
`

/** Takes as much CPU as it gets. */
export const busyScript = 'while :; do :; done'

/** wget holds the server to the length it announced; with nc, a connection that ends early would look like a fast one. */
export const serverScript =
  'mkdir /tmp/www; dd if=/dev/zero of=/tmp/www/zeros bs=1M count=64; echo > /tmp/www/up; exec httpd -f -p 5000 -h /tmp/www'

export const clientScript = (server: string): string => `${rateScript}
get() { wget -q -O /dev/null http://${server}:5000/$1; }
tries=0
until get up || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
rate network 64 get zeros
echo "ping $(ping -c 20 -A -q ${server} | sed -n 's|.*= [0-9.]*/\\([0-9.]*\\)/.*|\\1|p')" >> $out
`

/** `name value` lines; the kernel's value is a text. */
export function linesOf(message: string): Map<string, string> {
  const words = message.split('\n').map((line) => line.trim().split(' '))
  return new Map(
    words.flatMap(([name = '', value = '']): [string, string][] => (name === '' || value === '' ? [] : [[name, value]])),
  )
}

/** Rates as they are, costs per piece as their inverse. Values that make no sense are left out. */
export function figuresOf(lines: ReadonlyMap<string, string>): Partial<Record<FigureKey, number>> {
  const number = (name: string): number | undefined => {
    const value = Number(lines.get(name))
    return Number.isFinite(value) && value > 0 ? value : undefined
  }
  const per = (unitsPerSecond: number, name: string) => {
    const rate = number(name)
    return rate === undefined ? undefined : unitsPerSecond / rate
  }
  const milliseconds = number('ping')
  const all: Partial<Record<FigureKey, number | undefined>> = {
    ...{ sha256: number('sha256'), syscall: per(1e9, 'syscalls'), process: per(1e6, 'processes') },
    ...{ write: number('write'), read: number('read'), files: number('files'), network: number('network') },
    ping: milliseconds === undefined ? undefined : milliseconds * 1000,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
