/**
 * The line between a worker and the server: frames over the socket inherited as file descriptor 3.
 *
 * A frame is a header of 8 bytes and a payload. Header: u32 little-endian, length of the payload;
 * u32 little-endian, number of the invocation in the low 24 bits and the format in the top byte
 * (0, the only one: JSON). Payload: one line of JSON (the head), a line feed, and the body, whose
 * meaning the head gives. A write reaches the kernel before `send` returns unless the kernel's
 * buffer is full, so what a function logged is not lost when the worker is killed.
 */
'use strict'

const fs = require('node:fs')
const net = require('node:net')

const HEADER_BYTES = 8
/** Frames that surely fit are written from one buffer, which is kept. */
const SCRATCH_BYTES = 64 * 1024
const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024
const READ_BYTES = 64 * 1024
const LINE_FEED = 10
const { parse, stringify } = JSON
const { writeSync } = fs

class Channel {
  /** `onFrame(id, head, body)`: body is a string; `onEnd()`: the server is gone. */
  constructor(fd, onFrame, onEnd) {
    this.fd = fd
    this.onFrame = onFrame
    this.rest = null
    this.scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    this.socket = new net.Socket({
      fd,
      readable: true,
      writable: true,
      onread: { buffer, callback: (bytes, chunk) => this.#take(chunk.subarray(0, bytes)) },
    })
    this.socket.on('error', onEnd)
    this.socket.on('close', onEnd)
    this.socket.resume()
  }

  /** Sends one frame: at once and without the ways of a stream, unless the kernel has no room. */
  send(id, head, body) {
    const line = `${stringify(head)}\n`
    const fits = (line.length + body.length) * 3 + HEADER_BYTES <= SCRATCH_BYTES
    const frame = fits ? this.scratch : encode(id, line, body)
    const bytes = fits ? fill(frame, id, line, body) : frame.length
    if (this.socket.writableLength > 0) return void this.socket.write(copy(frame, 0, bytes))
    let written = 0
    try {
      written = writeSync(this.fd, frame, 0, bytes)
    } catch {
      // No room, or the server is gone: the stream knows what to do.
    }
    if (written < bytes) this.socket.write(copy(frame, written, bytes))
  }

  /** Sends one frame at the very end of the process, when nothing asynchronous happens any more. */
  sendAtExit(id, head, body) {
    try {
      const frame = encode(id, `${stringify(head)}\n`, body)
      if (this.socket.writableLength === 0) writeSync(this.fd, frame)
    } catch {
      // The server sees the end of the process anyway.
    }
  }

  /** While `false`, an otherwise idle process reaches `beforeExit`. */
  keepAlive(yes) {
    if (yes) this.socket.ref()
    else this.socket.unref()
  }

  #take(chunk) {
    let buffer = chunk
    if (this.rest !== null) {
      // The next read writes over the chunk.
      this.rest.push(Buffer.from(chunk))
      this.restBytes += chunk.length
      if (this.restBytes < this.wantedBytes) return true
      buffer = Buffer.concat(this.rest, this.restBytes)
      this.rest = null
    }
    let at = 0
    while (buffer.length - at >= HEADER_BYTES) {
      const length = buffer.readUInt32LE(at)
      if (length > PAYLOAD_BYTES_MAX) throw new Error('frame over the limit')
      const end = at + HEADER_BYTES + length
      if (end > buffer.length) break
      this.#deliver(buffer, at, end)
      at = end
    }
    if (at < buffer.length) this.#keep(buffer, at)
    return true
  }

  /** Keeps an unfinished frame; the read buffer is about to be written again, so it is copied. */
  #keep(buffer, at) {
    const rest = Buffer.from(buffer.subarray(at))
    this.rest = [rest]
    this.restBytes = rest.length
    this.wantedBytes =
      rest.length < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + rest.readUInt32LE(0)
  }

  #deliver(buffer, at, end) {
    const id = buffer.readUInt32LE(at + 4) & 0xffffff
    const start = at + HEADER_BYTES
    const line = buffer.indexOf(LINE_FEED, start)
    const head = parse(buffer.utf8Slice(start, line))
    this.onFrame(id, head, buffer.utf8Slice(line + 1, end))
  }
}

function encode(id, line, body) {
  const length = Buffer.byteLength(line) + Buffer.byteLength(body)
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length)
  fill(frame, id, line, body)
  return frame
}

/** Writes a frame to the beginning of a buffer; returns its length. */
function fill(frame, id, line, body) {
  let end = HEADER_BYTES + frame.utf8Write(line, HEADER_BYTES)
  if (body !== '') end += frame.utf8Write(body, end)
  frame.writeUInt32LE(end - HEADER_BYTES, 0)
  frame.writeUInt32LE(id, 4)
  return end
}

function copy(frame, from, to) {
  return Buffer.from(frame.subarray(from, to))
}

module.exports = { Channel }
