/** A function as most are: it requires the SDK, initialises it, and looks at its caller. */
'use strict'

const cloud = require('wx-server-sdk')

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })

exports.main = async (event) => ({ event, openid: cloud.getWXContext().OPENID })
