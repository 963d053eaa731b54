// A target needs a source; what counts is the precompiled header that others reuse.
