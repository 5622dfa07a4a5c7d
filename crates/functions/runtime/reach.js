/**
 * Where code in this process may connect to. A seat belt, not a boundary: programs that the function
 * starts know nothing of it, and `yunkai doctor` says so.
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

  /** Whether `host`, which led to `address`, is closed at `port`. */
  refuses(host, address, port) {
    const [plain, family] = unmapped(address)
    if (METADATA.check(plain, family)) return true
    if (!this.openLoopback && LOOPBACK.check(plain, family)) return true
    const fits = (entry) => entry(host, plain, family, Number(port))
    if (this.deny.some(fits)) return true
    return this.allow.length > 0 && !this.allow.some(fits)
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
    return (host, _address, _family, port) => (wanted ?? port) === port && isNamed(host)
  }
  const block = new net.BlockList()
  block.addSubnet(address, Number(bits ?? (version === 4 ? 32 : 128)), `ipv${version}`)
  return (_host, found, family, port) => (wanted ?? port) === port && block.check(found, family)
}

module.exports = { Reach }
