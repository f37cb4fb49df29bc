import { loadDriver } from '../../../adapters/sqlite/driver.ts'

/** Another program: takes a lock on the database that it is told, says so, and keeps it until its input ends. */
const [path = '', begin = ''] = process.argv.slice(2)
const database = (await loadDriver())(path)
database.exec(begin)
process.stdout.write('held\n')
process.stdin.resume().on('end', () => {
  database.exec('rollback')
  database.close()
})
