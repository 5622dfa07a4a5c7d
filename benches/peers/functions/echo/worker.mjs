/** The same answer in workerd's form. */
export default {
  async fetch(request) {
    const event = await request.json()
    return Response.json({ event })
  },
}
