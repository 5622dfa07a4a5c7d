/**
 * Where code in this process may connect to, for errors that say so. Where the kernel lets workers
 * have a network of their own, the server's gate decides the same once more, for all programs; where
 * it does not, this is a seat belt, not a boundary, and `yunkai doctor` says so.
 */
'use strict'

const net = require('node:net')

/** Where clouds keep keys for the asking. */
const METADATA = new net.BlockList()
METADATA.addSubnet('169.254.0.0', 16, 'ipv4')
METADATA.addAddress('100.100.100.200', 'ipv4')
METADATA.addSubnet('fe80::', 10, 'ipv6')
METADATA.addAddress('fd00:ec2::254', 'ipv6')
/** This machine. */
const LOOPBACK = new net.BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addSubnet('0.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')
LOOPBACK.addAddress('::', 'ipv6')

const METADATA_RULE = [
  'link-local and metadata addresses are closed',
  '链路本地与元数据地址不可访问',
]
const LOOPBACK_RULE = [
  'addresses of this machine are closed; make it one of the services in yunkai.json',
  '本机地址不可访问,请在 yunkai.json 的 services 中配置',
]
const ALLOW_RULE = ['network.allow does not have it', '不在 network.allow 中']

class Reach {
  constructor(openLoopback) {
    this.openLoopback = openLoopback
    this.allow = []
    this.deny = []
  }

  /** The function's own lists. */
  limit({ allow, deny }) {
    this.allow = allow.map(parse)
    this.deny = deny.map(parse)
  }

  /** The rule that closes `host`, which led to `address`, at `port`, in two languages; or null. */
  refuses(host, address, port) {
    const [plain, family] = unmapped(address)
    if (METADATA.check(plain, family)) return METADATA_RULE
    if (!this.openLoopback && LOOPBACK.check(plain, family)) return LOOPBACK_RULE
    const fits = ({ fits }) => fits(host, plain, family, Number(port))
    const denied = this.deny.find(fits)
    if (denied) {
      return [`network.deny has "${denied.text}"`, `network.deny 中有“${denied.text}”`]
    }
    return this.allow.length > 0 && !this.allow.some(fits) ? ALLOW_RULE : null
  }
}

function unmapped(address) {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return [mapped[1], 'ipv4']
  return [address, net.isIPv4(address) ? 'ipv4' : 'ipv6']
}

/** `host`, an address or a block, with or without `:port`; the server has checked it. */
function parse(text) {
  const entry = text.trim().toLowerCase()
  const match = /^\[(.*)\](?::(\d+))?$/.exec(entry) ?? /^([^:]*)(?::(\d+))?$/.exec(entry)
  const place = match ? match[1] : entry
  const wanted = match?.[2] === undefined ? null : Number(match[2])
  const [address, bits] = place.split('/')
  const version = net.isIP(address)
  if (version === 0) {
    const isNamed = place.startsWith('*.')
      ? (host) => host.endsWith(place.slice(1))
      : (host) => host === place
    const fits = (host, _address, _family, port) => (wanted ?? port) === port && isNamed(host)
    return { text: text.trim(), fits }
  }
  const block = new net.BlockList()
  block.addSubnet(address, Number(bits ?? (version === 4 ? 32 : 128)), `ipv${version}`)
  const fits = (_host, found, family, port) =>
    (wanted ?? port) === port && block.check(found, family)
  return { text: text.trim(), fits }
}

module.exports = { Reach }
