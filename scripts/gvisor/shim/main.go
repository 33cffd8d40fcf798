// Command shim is gVisor's shim for containerd, which also starts where not even root may lower an OOM score.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/shim"
	runsc "gvisor.dev/gvisor/pkg/shim/v1"
	_ "gvisor.dev/gvisor/pkg/shim/v1/plugin"
)

func main() {
	shim.Run(context.Background(), manager{runsc.NewShimManager("io.containerd.runsc.v1")})
}

type manager struct{ shim.Manager }

// Start is gVisor's own where it can work: it gives up when the kernel refuses its shim an OOM score of -999.
func (m manager) Start(ctx context.Context, id string, opts shim.StartOpts) (shim.BootstrapParams, error) {
	if mayLowerOOMScores() {
		return m.Manager.Start(ctx, id, opts)
	}
	address, err := serve(ctx, id, opts)
	return shim.BootstrapParams{Version: 2, Address: address, Protocol: "ttrpc"}, err
}

// mayLowerOOMScores tells whether CAP_SYS_RESOURCE is in effect; containers and small virtual machines may lack it.
func mayLowerOOMScores() bool {
	const sysResource = 24
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "CapEff:")
	line, _, _ := strings.Cut(rest, "\n")
	bits, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	return err == nil && bits>>sysResource&1 == 1
}

// serve starts this binary again as the shim of one container, listening at the address it returns.
func serve(ctx context.Context, id string, opts shim.StartOpts) (string, error) {
	namespace, err := namespaces.NamespaceRequired(ctx)
	if err != nil {
		return "", err
	}
	address, err := shim.SocketAddress(ctx, opts.Address, id, opts.Debug)
	if err != nil {
		return "", err
	}
	socket, err := shim.NewSocket(address)
	if shim.SocketEaddrinuse(err) && !shim.CanConnect(address) {
		// left by a shim that was killed
		if err := shim.RemoveSocket(address); err != nil {
			return "", fmt.Errorf("removing the socket of a dead shim: %w", err)
		}
		socket, err = shim.NewSocket(address)
	}
	if err != nil {
		return "", fmt.Errorf("listening at %s: %w", address, err)
	}
	if err := launch(socket.File, "-namespace", namespace, "-address", opts.Address, "-id", id); err != nil {
		_ = shim.RemoveSocket(address)
		return "", err
	}
	// containerd and `delete` look for it in the bundle, which is the working directory
	return address, os.WriteFile("address", []byte(address), 0o600)
}

// launch hands the listening socket on as descriptor 3, where a shim expects it.
func launch(listening func() (*os.File, error), args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	socket, err := listening()
	if err != nil {
		return err
	}
	defer socket.Close()
	cmd := exec.Command(self, args...)
	cmd.ExtraFiles = []*os.File{socket}
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := shim.WritePidFile("shim.pid", cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		return err
	}
	// raising is always allowed: as any shim, it goes before containerd does
	_ = shim.AdjustOOMScore(cmd.Process.Pid)
	return cmd.Process.Release()
}
