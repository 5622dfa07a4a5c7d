/** Never gives the processor back. */
'use strict'

exports.main = () => {
  for (;;);
}
