/**
 * Small things pages ask of the device: heights of bars, messages, going back. No album knowledge.
 */
import { asFailure } from '../core/failure'

/** Heights in px of the status bar and of the bar under it that keeps clear of WeChat's capsule. */
export interface BarHeights {
  status: number
  bar: number
  /** Space to leave at the right for the capsule. */
  capsule: number
}

/** Measures the bars of this device. */
export function barHeights(): BarHeights {
  const status = uni.getSystemInfoSync().statusBarHeight ?? 0
  let heights: BarHeights = { status, bar: 52, capsule: 0 }
  // #ifdef MP-WEIXIN
  const capsule = uni.getMenuButtonBoundingClientRect()
  const gap = capsule.top - status
  heights = { status, bar: capsule.height + gap * 2, capsule: capsule.width + 20 }
  // #endif
  return heights
}

/** A short message that goes by itself. */
export function say(title: string): void {
  uni.showToast({ title, icon: 'none', duration: 2200 })
}

/** Says what went wrong. */
export function sayFailure(cause: unknown): void {
  say(asFailure(cause).message)
}

/** Asks before something that cannot be undone; true when the user agrees. */
export function confirm(title: string, content: string, agree: string): Promise<boolean> {
  return new Promise((resolve) => {
    uni.showModal({
      title,
      content,
      confirmText: agree,
      cancelText: '再想想',
      confirmColor: '#c2453a',
      cancelColor: '#6e635a',
      success: ({ confirm: agreed }) => resolve(agreed),
      fail: () => resolve(false),
    })
  })
}

/** Goes to the page before this one, or home when the app was opened here. */
export function goBack(): void {
  if (getCurrentPages().length > 1) uni.navigateBack()
  else uni.reLaunch({ url: '/pages/home/home' })
}
