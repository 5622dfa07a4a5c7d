/**
 * Builds the album with uni-app for WeChat and for browsers. Nothing in the output may come from
 * elsewhere.
 */
import uniPlugin from '@dcloudio/vite-plugin-uni'
import { defineConfig, type Plugin } from 'vite'

declare const process: { env: Record<string, string | undefined> }

// The plugin is CommonJS with a `default`; Node's import shows one or the other.
const uni = (uniPlugin as unknown as { default?: typeof uniPlugin }).default ?? uniPlugin

/**
 * uni-app carries addresses of its vendor: pictures for a bar's shadow, and two services of its
 * advertisements. The album uses none of them; they leave the output altogether.
 */
function withoutVendor(): Plugin {
  const vendorPicture = /background-image:\s*url\(["']?https?:\/\/[^)]*\)/g
  const vendorService = /https?:\/\/[a-z0-9]+\.dcloud\.net\.cn\/[a-z0-9]*/g
  return {
    name: 'without-vendor',
    enforce: 'post',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'asset' && typeof file.source === 'string') {
          file.source = file.source.replace(vendorPicture, 'background-image:none')
        } else if (file.type === 'chunk') {
          file.code = file.code.replace(vendorService, '')
        }
      }
    },
  }
}

/**
 * In a browser uni-app puts functions of its own in place of `wx.request` and its like, in every
 * module. The cloud library would take the page for a mini program; a `wx` of its own keeps
 * uni-app away.
 */
function withoutBorrowedWx(): Plugin {
  return {
    name: 'without-borrowed-wx',
    enforce: 'pre',
    transform(code, id) {
      const isLibrary = /\/(?:sdk|@yunkai\/cloud)\/dist\/index\.mjs$/.test(id.split('?')[0] ?? '')
      if (!isLibrary || process.env.UNI_PLATFORM !== 'h5') return null
      return { code: `${code}\nvar wx = undefined\n`, map: null }
    },
  }
}

export default defineConfig({
  plugins: [withoutBorrowedWx(), uni(), withoutVendor()],
  server: { host: '127.0.0.1', port: 5173, fs: { strict: false } },
})
