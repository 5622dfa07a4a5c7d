/** Builds the album with uni-app for WeChat and for browsers. Nothing in the output may come from elsewhere. */
import uniPlugin from '@dcloudio/vite-plugin-uni'
import { defineConfig, type Plugin } from 'vite'

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

export default defineConfig({
  plugins: [uni(), withoutVendor()],
  server: { host: '127.0.0.1', port: 5173, fs: { strict: false } },
})
