/** Ambient types of the build: Vue files and the album's build constants. */
/// <reference types="vite/client" />

declare module '*.vue' {
  import type { DefineComponent } from 'vue'

  const component: DefineComponent<object, object, unknown>
  export default component
}

interface ImportMetaEnv {
  /** The environment id; `album` by default. */
  readonly VITE_ALBUM_ENV?: string
  /** Where the server is, for the mini program; the browser uses the page's own origin. */
  readonly VITE_ALBUM_ENDPOINT?: string
}
