/**
 * Times and amounts in Chinese words. Pure: the present is a parameter.
 */

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const WEEKDAYS = ['日', '一', '二', '三', '四', '五', '六']

const two = (value: number): string => String(value).padStart(2, '0')

function dayStart(ms: number): number {
  const date = new Date(ms)
  date.setHours(0, 0, 0, 0)
  return date.getTime()
}

function daysBefore(ms: number, nowMs: number): number {
  return Math.round((dayStart(nowMs) - dayStart(ms)) / (24 * HOUR_MS))
}

/** 刚刚 · 5 分钟前 · 今天 09:30 · 昨天 21:05 · 3月4日 · 2024年3月4日 */
export function ago(ms: number, nowMs: number): string {
  const passed = nowMs - ms
  if (passed < MINUTE_MS) return '刚刚'
  if (passed < HOUR_MS) return `${Math.floor(passed / MINUTE_MS)} 分钟前`
  const date = new Date(ms)
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`
  const days = daysBefore(ms, nowMs)
  if (days <= 0) return `今天 ${clock}`
  if (days === 1) return `昨天 ${clock}`
  return calendarDay(ms, nowMs)
}

/** 3月4日, with the year when it is another one. */
export function calendarDay(ms: number, nowMs: number): string {
  const date = new Date(ms)
  const day = `${date.getMonth() + 1}月${date.getDate()}日`
  return date.getFullYear() === new Date(nowMs).getFullYear()
    ? day
    : `${date.getFullYear()}年${day}`
}

/** The heading of a day: 今天 / 昨天 / 3月4日, and its weekday. */
export function dayHeading(ms: number, nowMs: number): { title: string; detail: string } {
  const days = daysBefore(ms, nowMs)
  const weekday = `星期${WEEKDAYS[new Date(ms).getDay()] ?? ''}`
  if (days <= 0) return { title: '今天', detail: `${calendarDay(ms, nowMs)} ${weekday}` }
  if (days === 1) return { title: '昨天', detail: `${calendarDay(ms, nowMs)} ${weekday}` }
  return { title: calendarDay(ms, nowMs), detail: weekday }
}

/** 早上好 and so on, for the hour of `nowMs`. */
export function greeting(nowMs: number): string {
  const hour = new Date(nowMs).getHours()
  if (hour < 5) return '夜深了'
  if (hour < 11) return '早上好'
  if (hour < 13) return '中午好'
  if (hour < 18) return '下午好'
  return '晚上好'
}

/** A count on a small badge: 12, 999+. */
export function badge(count: number): string {
  return count > 999 ? '999+' : String(Math.max(0, count))
}

/** 860 KB, 2.4 MB. */
export function fileSize(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KB`
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}
