// Serves the OpenAPI documents.
import { acceptClauses } from './accept.ts'
import type { Handler } from './call.ts'
import { sendDocument } from './discovery-routes.ts'
import { begin } from './respond.ts'

const wanted = /^application\/com\.github\.(proto-openapi\.spec\.v2[@.]v1\.0|googleapis\.gnostic\.openapiv2@68f4ded)\+protobuf$/
// k8s: the name with an @, which clients ask for, is one that Go's own parser of media types refuses
const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** JSON, or protobuf for clients that ask for it first: kubectl validates and merges with nothing else before 1.27. */
export const openapiV2: Handler = (call) => {
  const [first] = acceptClauses(call.request.headers.accept)
  const { documents } = call.world
  if (first && wanted.test(first.type)) return sendDocument(call, documents.openapiV2Protobuf(), protobufType)
  return sendDocument(call, documents.openapiV2Json())
}

export const openapiV3: Handler = (call) => sendDocument(call, call.world.documents.openapiV3Index())

/** A document under the hash of its content never changes; one under an old hash has moved. */
export const openapiV3Group: Handler = (call) => {
  const path = call.pathname.replace(/^\/openapi\/v3\//, '').replace(/\/$/, '')
  const document = call.world.documents.openapiV3(path)
  const asked = call.query.get('hash')
  if (document && asked !== null && asked !== document.hash) {
    begin(call, 301, { location: `/openapi/v3/${path}?hash=${document.hash}` })
    return void call.response.end()
  }
  const forever = { 'cache-control': 'public, immutable, max-age=31536000' }
  return sendDocument(call, document, 'application/json', asked === null ? {} : forever)
}
