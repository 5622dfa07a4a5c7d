/**
 * The album's functions as typed calls. Every answer is decoded; every failure is an AlbumFailure.
 * It keeps no state and shows nothing.
 */
import { answered, type Fields, fields, flag, list, number, text } from './decode'
import { asFailure } from './failure'
import type { CloudPort } from './port'

/** Someone, as others may see them; `tint` chooses the colour of the avatar. */
export interface Person {
  name: string
  tint: number
}

/** The caller; `folder` is where their files go. */
export interface Profile extends Person {
  folder: string
}

/** An album in a list. Times are milliseconds since 1970. */
export interface Album {
  id: string
  name: string
  coverId: string
  coverUrl: string
  photoCount: number
  memberCount: number
  mine: boolean
  ownerName: string
  updatedAt: number
}

/** A member of an album. */
export interface Member extends Person {
  owner: boolean
  me: boolean
}

/** An album with its members. */
export interface AlbumDetail extends Album {
  members: Member[]
}

/** A photo; width and height are as seen, in pixels. */
export interface Photo {
  id: string
  url: string
  width: number
  height: number
  likeCount: number
  commentCount: number
  liked: boolean
  canDelete: boolean
  author: Person
  createdAt: number
}

/** One page of photos, newest first. */
export interface PhotoPage {
  photos: Photo[]
  more: boolean
  /** Whether the album is mine. */
  mine: boolean
}

/** What becomes a photo once its file is sent. */
export interface NewPhoto {
  albumId: string
  photoId: string
  fileID: string
  width: number
  height: number
  size: number
}

/** A comment. */
export interface Comment {
  id: string
  text: string
  author: Person
  canDelete: boolean
  createdAt: number
}

/** An invitation: the code's picture, its scene and until when it holds. */
export interface Share {
  scene: string
  codeUrl: string
  expiresAt: number
  albumName: string
  photoCount: number
  ownerName: string
}

/** What a visitor with a scene sees; `albumId` is empty until they are a member. */
export interface Landing {
  albumId: string
  name: string
  coverUrl: string
  photoCount: number
  memberCount: number
  member: boolean
  owner: Person
  inviter: Person
  pictures: { id: string; url: string }[]
}

function person(value: unknown): Person {
  const from = fields(value, 'person')
  return { name: text(from, 'name'), tint: number(from, 'tint') }
}

function album(value: unknown): Album {
  const from = fields(value, 'album')
  return {
    id: text(from, 'id'),
    name: text(from, 'name'),
    coverId: text(from, 'coverId'),
    coverUrl: text(from, 'coverUrl'),
    photoCount: number(from, 'photoCount'),
    memberCount: number(from, 'memberCount'),
    mine: flag(from, 'mine'),
    ownerName: text(from, 'ownerName'),
    updatedAt: number(from, 'updatedAt'),
  }
}

function member(value: unknown): Member {
  const from = fields(value, 'member')
  return { ...person(value), owner: flag(from, 'owner'), me: flag(from, 'me') }
}

function photo(value: unknown): Photo {
  const from = fields(value, 'photo')
  return {
    id: text(from, 'id'),
    url: text(from, 'url'),
    width: number(from, 'width'),
    height: number(from, 'height'),
    likeCount: number(from, 'likeCount'),
    commentCount: number(from, 'commentCount'),
    liked: flag(from, 'liked'),
    canDelete: flag(from, 'canDelete'),
    author: person(from.author),
    createdAt: number(from, 'createdAt'),
  }
}

function comment(value: unknown): Comment {
  const from = fields(value, 'comment')
  return {
    id: text(from, 'id'),
    text: text(from, 'text'),
    author: person(from.author),
    canDelete: flag(from, 'canDelete'),
    createdAt: number(from, 'createdAt'),
  }
}

/** All the album asks of its cloud functions. */
export class AlbumApi {
  constructor(private readonly port: CloudPort) {}

  private async call(name: string, data: Fields): Promise<unknown> {
    try {
      return answered(await this.port.call(name, data))
    } catch (cause) {
      throw asFailure(cause)
    }
  }

  /** Signs the caller into the album. `hint` is a first nickname, `name` a new one. */
  async login(wish: { hint?: string; name?: string } = {}): Promise<Profile> {
    const from = fields(await this.call('login', wish))
    return { ...person(from), folder: text(from, 'folder') }
  }

  /** Albums of mine and shared with me, latest change first. */
  async albums(): Promise<Album[]> {
    return list(await this.call('albums', { action: 'list' }), album)
  }

  /** Makes an album under an id chosen here; calling again with the same id makes no second one. */
  async createAlbum(id: string, name: string): Promise<void> {
    await this.call('albums', { action: 'create', id, name })
  }

  async album(albumId: string): Promise<AlbumDetail> {
    const value = await this.call('albums', { action: 'detail', albumId })
    return { ...album(value), members: list(fields(value).members, member) }
  }

  async renameAlbum(albumId: string, name: string): Promise<void> {
    await this.call('albums', { action: 'rename', albumId, name })
  }

  async chooseCover(albumId: string, photoId: string): Promise<void> {
    await this.call('albums', { action: 'cover', albumId, photoId })
  }

  async deleteAlbum(albumId: string): Promise<void> {
    await this.call('albums', { action: 'delete', albumId })
  }

  async leaveAlbum(albumId: string): Promise<void> {
    await this.call('albums', { action: 'leave', albumId })
  }

  async photos(albumId: string, skip: number, limit: number): Promise<PhotoPage> {
    const from = fields(await this.call('photos', { action: 'list', albumId, skip, limit }))
    return { photos: list(from.photos, photo), more: flag(from, 'more'), mine: flag(from, 'mine') }
  }

  /** Puts a sent file into an album; calling again with the same photo id adds nothing. */
  async addPhoto(photo: NewPhoto): Promise<void> {
    await this.call('photos', { action: 'add', ...photo })
  }

  async deletePhoto(photoId: string): Promise<void> {
    await this.call('photos', { action: 'delete', photoId })
  }

  /** Says how my like should be and gets the count back. */
  async like(photoId: string, liked: boolean): Promise<{ liked: boolean; likeCount: number }> {
    const from = fields(await this.call('likes', { photoId, liked }))
    return { liked: flag(from, 'liked'), likeCount: number(from, 'likeCount') }
  }

  /** Comments of a photo, oldest first. */
  async comments(photoId: string): Promise<Comment[]> {
    return list(await this.call('comments', { action: 'list', photoId }), comment)
  }

  async addComment(photoId: string, id: string, words: string): Promise<Comment> {
    return comment(await this.call('comments', { action: 'add', photoId, id, text: words }))
  }

  async removeComment(id: string): Promise<void> {
    await this.call('comments', { action: 'remove', id })
  }

  async share(albumId: string): Promise<Share> {
    const from = fields(await this.call('shareAlbum', { albumId }))
    return {
      scene: text(from, 'scene'),
      codeUrl: text(from, 'codeUrl'),
      expiresAt: number(from, 'expiresAt'),
      albumName: text(from, 'albumName'),
      photoCount: number(from, 'photoCount'),
      ownerName: text(from, 'ownerName'),
    }
  }

  async landing(scene: string): Promise<Landing> {
    const from = fields(await this.call('landing', { action: 'view', scene }))
    return {
      albumId: text(from, 'albumId'),
      name: text(from, 'name'),
      coverUrl: text(from, 'coverUrl'),
      photoCount: number(from, 'photoCount'),
      memberCount: number(from, 'memberCount'),
      member: flag(from, 'member'),
      owner: person(from.owner),
      inviter: person(from.inviter),
      pictures: list(from.pictures, (entry) => {
        const picture = fields(entry, 'picture')
        return { id: text(picture, 'id'), url: text(picture, 'url') }
      }),
    }
  }

  /** Joins the album behind a scene and returns its id. */
  async join(scene: string): Promise<string> {
    return text(fields(await this.call('landing', { action: 'join', scene })), 'albumId')
  }
}
