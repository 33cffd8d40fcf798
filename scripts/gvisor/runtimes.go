//go:build tools

// Package gvisor pins what `npm run gvisor` builds; see scripts/gvisor.mjs.
package gvisor

import _ "gvisor.dev/gvisor/runsc"
