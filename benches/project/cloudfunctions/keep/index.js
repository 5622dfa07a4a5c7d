/** Adds a document under the id that the caller chose: a second run for one call fails. */
'use strict'

const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
const kept = cloud.database().collection('kept')

exports.main = async ({ id }) => {
  await kept.add({ data: { _id: id } })
  return { id }
}
