/**
 * Lets the user choose pictures, the same way in a mini program and in a browser. It never uploads.
 */
import type { FileSource } from '../core/port'
import type { Picture } from '../core/upload-queue'

const MOST_AT_ONCE = 20

interface ChosenFile {
  path: string
  size: number
  name?: string
}

/** The chosen pictures with their sizes as seen; none when the user thinks better of it. */
export async function pickPictures(): Promise<Picture[]> {
  const chosen = await choose()
  const pictures = await Promise.all(chosen.map(describe))
  return pictures.filter((picture): picture is Picture => picture !== null)
}

function choose(): Promise<ChosenFile[]> {
  return new Promise((resolve) => {
    uni.chooseImage({
      count: MOST_AT_ONCE,
      sizeType: ['original', 'compressed'],
      sourceType: ['album', 'camera'],
      success: ({ tempFiles }) => {
        const files = Array.isArray(tempFiles) ? tempFiles : [tempFiles]
        resolve(files as ChosenFile[])
      },
      // Closing the chooser is a choice too; a refused permission is explained by the platform.
      fail: () => resolve([]),
    })
  })
}

async function describe(file: ChosenFile, index: number): Promise<Picture | null> {
  const size = await sizeAsSeen(file.path)
  if (!size) {
    uni.showToast({ title: '有一张图片打不开，已跳过', icon: 'none' })
    return null
  }
  const name = file.name ?? `照片 ${index + 1}`
  return {
    name,
    file: sendable(file),
    preview: file.path,
    extension: extensionOf(file.name ?? file.path),
    ...size,
    size: Math.max(1, file.size),
  }
}

/** In a browser the chosen thing is itself a File; in a mini program it is a path. */
function sendable(file: ChosenFile): FileSource {
  let source: FileSource = file.path
  // #ifdef H5
  if (file instanceof Blob) source = file
  // #endif
  return source
}

function extensionOf(name: string): string {
  const found = /\.(jpe?g|png|gif|webp|heic|bmp)$/i.exec(name)
  return found?.[1]?.toLowerCase() ?? 'jpg'
}

function sizeAsSeen(path: string): Promise<{ width: number; height: number } | null> {
  return new Promise((resolve) => {
    uni.getImageInfo({
      src: path,
      success: ({ width, height, orientation }) => {
        const lying = ['left', 'right', 'left-mirrored', 'right-mirrored'].includes(
          orientation ?? '',
        )
        resolve(lying ? { width: height, height: width } : { width, height })
      },
      fail: () => resolve(null),
    })
  })
}
