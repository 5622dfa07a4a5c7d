/**
 * Writes src/styles/icons.scss: the few icons the album uses, from the pinned TDesign set, as CSS
 * masks. The result is committed; run it again after changing the list. It fetches nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const set = JSON.parse(
  readFileSync(
    new URL('../node_modules/@iconify-json/tdesign/icons.json', import.meta.url),
    'utf8',
  ),
)

/** Class name → icon of the set. */
const ICONS = {
  add: 'add',
  back: 'chevron-left',
  down: 'chevron-down',
  next: 'chevron-right',
  heart: 'heart',
  'heart-filled': 'heart-filled',
  chat: 'chat-bubble',
  delete: 'delete',
  more: 'ellipsis',
  send: 'arrow-up',
  upload: 'cloud-upload',
  image: 'image',
  'image-add': 'image-add',
  close: 'close',
  check: 'check',
  refresh: 'refresh',
  people: 'usergroup',
  invite: 'user-add',
  copy: 'copy',
  link: 'link',
  edit: 'edit-1',
  time: 'time',
  done: 'check-circle-filled',
  failed: 'error-circle',
  swap: 'swap',
}

const rules = Object.entries(ICONS).map(([name, icon]) => {
  const { body } = set.icons[icon]
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'>${body.replaceAll('"', "'")}</svg>`
  const address = `url("data:image/svg+xml,${encodeURIComponent(svg).replaceAll("'", '%27')}")`
  return `.icon-${name} {\n  -webkit-mask-image: ${address};\n  mask-image: ${address};\n}\n`
})

const head = `/** Icons as CSS masks, from @iconify-json/tdesign (MIT). Made by scripts/build-icons.mjs; do not edit. */
.icon {
  display: inline-block;
  width: 1em;
  height: 1em;
  background-color: currentColor;
  -webkit-mask-repeat: no-repeat;
  mask-repeat: no-repeat;
  -webkit-mask-position: center;
  mask-position: center;
  -webkit-mask-size: 100% 100%;
  mask-size: 100% 100%;
  flex: none;
}
`
writeFileSync(new URL('../src/styles/icons.scss', import.meta.url), `${head}\n${rules.join('\n')}`)
console.log(`${rules.length} icons`)
