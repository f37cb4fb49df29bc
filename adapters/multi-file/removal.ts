import { join } from 'node:path'
import { takeAway } from './apply.ts'
import { baileysFileName, recordOfFile } from './file-names.ts'
import { forEachLimited, hasCode, ifPresent } from './file-system.ts'
import { furnish, newId, nobody, type Place, type State } from './place.ts'
import { Moved } from './trouble.ts'

const filesAtOnce = 16
/** What {@link furnish} makes. */
const furniture = ['kept', 'scope']

/** Removes a claimed scope: from the moment of the rename it is gone, whatever of it is still on disk. */
export async function removeClaimed(place: Place, claimed: string): Promise<void> {
  const id = newId()
  const folder = join(place.home, `gone.${id}`)
  await place.fs.rename(claimed, folder)
  if (place.sync.files) await place.fs.syncFolder(place.home)
  try {
    await deleteRecords(place, folder)
    await deleteHome(place, folder)
  } catch (error) {
    // Somebody goes on where this removal was slow, and makes the scope anew.
    if (!(error instanceof Moved) && !hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
  }
}

/** Ends what a removal left undone, so that the scope can be made anew. @throws Moved where another is faster */
export async function finishRemoval(place: Place, state: State): Promise<void> {
  const folder = join(place.home, `gone.${newId()}`)
  try {
    await place.fs.rename(join(place.home, state.name), folder)
    await deleteRecords(place, folder)
    await strip(place, folder)
    await furnish(place, folder)
    for (const name of await place.fs.readFolder(folder)) {
      if (furniture.includes(name)) await place.fs.rename(join(folder, name), join(place.home, name))
    }
    await place.fs.rename(folder, join(place.home, `live.${nobody}`))
  } catch (error) {
    throw hasCode(error, 'ENOENT') ? new Moved() : error
  }
}

async function deleteRecords(place: Place, folder: string): Promise<void> {
  const kept = join(place.home, 'kept')
  const files = place.folder === undefined ? [] : ((await ifPresent(place.fs.readFolder(place.folder))) ?? [])
  const paths = [
    ...files.filter(isRecordFile).map(file => join(place.folder ?? kept, file)),
    ...((await ifPresent(place.fs.readFolder(kept))) ?? []).map(file => join(kept, file)),
  ]
  await forEachLimited(paths, filesAtOnce, path => takeAway(place, folder, path))
  const rest = await place.fs.readFolder(folder)
  await forEachLimited(rest, filesAtOnce, name => place.fs.removeTree(join(folder, name)))
}

/** Deletes, by way of this removal's own folder, what is beside the state. */
async function strip(place: Place, folder: string): Promise<void> {
  for (const name of furniture) {
    await takeAway(place, folder, join(place.home, name))
  }
}

async function deleteHome(place: Place, folder: string): Promise<void> {
  const { fs, home } = place
  await strip(place, folder)
  // From here on nobody's state is here: a new opener replaces `home` by a rename, which needs it to be empty.
  await fs.removeFolder(folder)
  await fs.removeFolder(home)
  if (place.folder === undefined) return
  const above = join(home, '..')
  for (const name of await fs.readFolder(above)) {
    if (name !== 'session') await fs.removeTree(join(above, name))
  }
  await fs.removeFolder(above)
  const ignore = join(place.folder, '.gitignore')
  if ((await ifPresent(fs.readFile(ignore)))?.toString() === '*\n') await ifPresent(fs.unlink(ignore))
  // It stays where it holds foreign files, or can't be removed, as a mount point can't.
  await fs.removeFolder(place.folder).catch(() => {})
}

function isRecordFile(file: string): boolean {
  const record = recordOfFile(file)
  return record !== undefined && baileysFileName(record) === file
}
