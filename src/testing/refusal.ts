// What a request was refused with, as one line that a test can compare.
import assert from 'node:assert/strict'
import { statusOf } from '../api/status.ts'

/** `code reason: message` of the Status that `attempt` rejects with; fails when it does not, or with something else. */
export async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
  } catch (error) {
    const status = statusOf(error)
    if (!status) throw error
    return `${status.code} ${status.reason ?? ''}: ${status.message ?? ''}`
  }
  return assert.fail('was not refused')
}
