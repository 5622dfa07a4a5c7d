/** Answers what it was asked. */
'use strict'

exports.main = async (event) => ({ event })
