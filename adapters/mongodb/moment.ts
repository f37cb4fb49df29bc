/** When something was, by both clocks: the monotonic one may stand still while a machine sleeps, the other may be set. */
export interface Moment {
  readonly monotonic: number
  readonly wall: number
}

/** This moment. */
export function thisMoment(): Moment {
  return { monotonic: performance.now(), wall: Date.now() }
}

/** How long ago it was, in milliseconds: by the clock that says more, so that doubt makes it older. */
export function ageMs({ monotonic, wall }: Moment): number {
  return Math.max(performance.now() - monotonic, Date.now() - wall)
}
