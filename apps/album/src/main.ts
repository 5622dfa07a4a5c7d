/** Starts the app; in a browser a link `/?scene=…` is turned into the landing page first. */
import { createSSRApp } from 'vue'
import App from './App.vue'
import { landingPage, readScene } from './core/scene'

// #ifdef H5
openScene()

function openScene(): void {
  const address = new URL(location.href)
  const scene = readScene(address.searchParams.get('scene') ?? '')
  if (scene === '') return
  address.searchParams.delete('scene')
  address.hash = landingPage(scene)
  history.replaceState(null, '', address.href)
}
// #endif

/** uni-app's entry: one app for each page stack. */
export function createApp() {
  return { app: createSSRApp(App) }
}
