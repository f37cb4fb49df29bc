/** What a parent may ask of a child process: functions of arguments that JSON can carry, with results that it can too. */
export interface Commands {
  // Their arguments are their own; `Child` takes them from the type that a caller names.
  readonly [command: string]: (...args: never[]) => unknown
}

/** A question of the parent, as `Child` sends it. */
export interface Question {
  readonly id: number
  readonly command: string
  readonly args: readonly never[]
}

/** Its answer. */
export interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** Answers the questions of the process that forked this one, until that ends. */
export function answerParent(commands: Commands): void {
  process.on('message', (question: Question) => void answer(question))
  process.once('disconnect', () => process.exit())

  async function answer({ id, command, args }: Question): Promise<void> {
    try {
      say({ id, result: await commands[command]?.(...args) })
    } catch (error) {
      say({ id, error: error instanceof Error ? error.message : String(error) })
    }
  }
}

function say(answer: Answer): void {
  process.send?.(answer)
}
