// Package qptest checks engines of package qp. [Test] is the suite that every
// engine passes, [TestAllocs] adds what only the CPU engine promises, and
// [Check] judges one solved batch by the definitions, with plain loops that
// share no code with any engine.
package qptest
