/**
 * The album's cloud: `@yunkai/cloud` behind the port of `core`. The only file that knows the client
 * library. In a browser the server is the page's own origin, in a mini program a build constant.
 */
import { cloud } from '@yunkai/cloud'
import type { CloudPort, Sending, Transfer } from '../core/port'

const env = import.meta.env.VITE_ALBUM_ENV || 'album'
let endpoint = import.meta.env.VITE_ALBUM_ENDPOINT || 'http://127.0.0.1:9527'
// #ifdef H5
endpoint = location.origin
// #endif

void cloud.init({ env, endpoint })

function send({ cloudPath, file, onProgress }: Sending): Transfer {
  let abort = () => {}
  const done = new Promise<string>((resolve, reject) => {
    const task = cloud.uploadFile({
      cloudPath,
      filePath: file,
      success: (result: { fileID: string }) => resolve(result.fileID),
      fail: (error: unknown) => reject(error),
    })
    task.onProgressUpdate(({ progress }) => onProgress(progress / 100))
    abort = () => task.abort()
  })
  return { done, abort: () => abort() }
}

/** The port of `core`, to this server. */
export const port: CloudPort = {
  async call(name, data) {
    const { result } = await cloud.callFunction({ name, data: { ...data } })
    return result as unknown
  },
  send,
}

/** A simulated user of a dev server. */
export interface SwitchableUser {
  name: string
  nickname: string
  current: boolean
}

/** The simulated users to choose from; none outside a browser on a dev server. */
export async function switchableUsers(): Promise<SwitchableUser[]> {
  let users: SwitchableUser[] = []
  // #ifdef H5
  try {
    users = await cloud.devUsers()
  } catch {
    // A real server has no simulated users; then there is nothing to switch.
  }
  // #endif
  return users
}

/** Becomes another simulated user. */
export async function becomeUser(name: string): Promise<void> {
  await cloud.switchUser(name)
}
