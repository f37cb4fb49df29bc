import assert from 'node:assert/strict'
import type { AuthStateError, AuthStateErrorCode } from '../../src/errors.ts'
import { isAuthStateError } from '../../src/errors.ts'

/** Asserts that a promise rejects with one of our errors, with this code, and gives the error. */
export async function rejectsWith(
  promise: Promise<unknown>,
  code: AuthStateErrorCode,
): Promise<AuthStateError> {
  let error: unknown
  try {
    await promise
  } catch (caught) {
    error = caught
  }
  assert.ok(error !== undefined, `a call that should reject with ${code} resolved`)
  assert.ok(isAuthStateError(error), `a call rejected with ${String(error)}, not with ${code}`)
  assert.equal(error.code, code, error.message)
  return error
}
