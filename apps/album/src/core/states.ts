/**
 * What a whole page says when it cannot show its content: picture, title, sentence, and the way on.
 */
import type { AlbumFailure } from './failure'

/** The words of a page without content; `action` is what its button says. */
export interface PageState {
  picture: 'offline' | 'locked' | 'gone' | 'expired' | 'empty-albums' | 'empty-photos'
  title: string
  detail: string
  action: string
  /** What the button does: try again, or go home. */
  way: 'again' | 'home'
}

/** The page for a failure. */
export function failureState(failure: AlbumFailure): PageState {
  const detail = failure.message
  switch (failure.code) {
    case 'FORBIDDEN':
      return {
        picture: 'locked',
        title: '这里是别人的小天地',
        detail,
        action: '回到首页',
        way: 'home',
      }
    case 'NOT_FOUND':
      return { picture: 'gone', title: '已经不在了', detail, action: '回到首页', way: 'home' }
    case 'EXPIRED':
      return { picture: 'expired', title: '邀请过期了', detail, action: '回到首页', way: 'home' }
    case 'NETWORK':
      return { picture: 'offline', title: '没有连上', detail, action: '再试一次', way: 'again' }
    default:
      return { picture: 'offline', title: '出了点小问题', detail, action: '再试一次', way: 'again' }
  }
}
