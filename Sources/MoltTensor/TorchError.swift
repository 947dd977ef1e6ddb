import CMoltTorch

/// What libtorch said when an operation failed: a code that callers can branch on, and libtorch's own sentence.
package struct TorchError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: Equatable, Sendable {
        /// Wrong shapes, types or devices, and everything else that has no code of its own.
        case failed
        case outOfMemory
        case unknownOperator
        /// Another rank is gone, slow or says something else.
        case communication
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Reads the sentence of the call that failed last on this thread.
    init(_ status: mt_status) {
        let code: Code =
            switch status {
            case MT_OUT_OF_MEMORY: .outOfMemory
            case MT_UNKNOWN_OPERATOR: .unknownOperator
            case MT_COMMUNICATION: .communication
            default: .failed
            }
        self.init(code, String(cString: mt_error_message()))
    }

    package var description: String { message }
}

/// Turns a status of the shim into an error.
func check(_ status: mt_status) throws(TorchError) {
    if status != MT_OK {
        throw TorchError(status)
    }
}
