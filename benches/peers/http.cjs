/**
 * The least Node can do with a function: parse the body, call it, answer JSON.
 * Usage: node http.cjs FUNCTION_FOLDER PORT
 */
'use strict'

const http = require('node:http')
const { main } = require(process.argv[2])

http
  .createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', async () => {
      const result = await main(JSON.parse(Buffer.concat(chunks)), {})
      const body = JSON.stringify(result)
      response.setHeader('content-type', 'application/json')
      response.end(body)
    })
  })
  .listen(Number(process.argv[3]), '127.0.0.1')
