import CCurl
import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// Owns the connections that are kept open, and the easy handle of the request at hand. Used by one caller at a time.
///
/// Each request has a handle of its own: libcurl before 8.1 crashes when a used one meets an answer whose first header
/// begins with a space (github.com/curl/curl, issues 11101 and 11620), and any server may send that.
final class CurlHandle {
    private let connections: UnsafeMutableRawPointer
    private var handle: UnsafeMutableRawPointer

    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init?() {
        guard Self.isReady, let connections = curl_share_init() else { return nil }
        guard molt_curl_share_connections(connections) == CURLSHE_OK, let handle = curl_easy_init() else {
            curl_share_cleanup(connections)
            return nil
        }
        self.connections = connections
        self.handle = handle
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_share_cleanup(connections)
    }

    private func renew() throws(HTTPError) {
        guard let fresh = curl_easy_init() else { throw .broken("libcurl cannot be initialised") }
        curl_easy_cleanup(handle)
        handle = fresh
        _ = molt_curl_set_pointer(handle, CURLOPT_SHARE, connections)
    }

    /// Collects an answer up to its limit; libcurl hands it back to us as the callback's context.
    private final class Collector {
        var data = Data()
        let limit: Int
        var isOver = false

        init(limit: Int) {
            self.limit = limit
        }
    }

    func perform(_ request: HTTPRequest) throws(HTTPError) -> HTTPAnswer {
        try renew()
        try address(request)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_TIMEOUT_MS, Int(request.timeout * 1000))
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(min(request.connectTimeout, request.timeout) * 1000))
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_USERAGENT, "molt")
        set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        // Of its own accord libcurl sends again what got no answer on a connection that was used before; what may have
        // an effect gets a new one, therefore.
        set(CURLOPT_FRESH_CONNECT, request.method == .get ? 0 : 1)
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        for header in request.headers + ["Expect:"] { headers = curl_slist_append(headers, header) }
        _ = molt_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)

        let collector = Collector(limit: request.answerLimit)
        let code = withExtendedLifetime(collector) { exchange(request.body, into: collector) }
        var status = 0
        _ = molt_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        guard code == CURLE_OK else { throw failure(code, request, collector) }
        return HTTPAnswer(status: status, body: collector.data)
    }

    private func exchange(_ body: Data?, into collector: Collector) -> CURLcode {
        let context = Unmanaged.passUnretained(collector).toOpaque()
        _ = molt_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        _ = molt_curl_set_write(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let collector = Unmanaged<Collector>.fromOpaque(context).takeUnretainedValue()
            guard collector.data.count + size * count <= collector.limit else {
                collector.isOver = true
                return 0
            }
            collector.data.append(UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), count: size * count)
            return size * count
        }
        guard let body else { return curl_easy_perform(handle) }
        return body.withUnsafeBytes { bytes in
            set(CURLOPT_POSTFIELDSIZE, bytes.count)
            _ = molt_curl_set_pointer(
                handle, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress) ?? empty)
            return curl_easy_perform(handle)
        }
    }

    /// What an empty body points at: libcurl reads a null pointer as "no body".
    private let empty = UnsafeMutableRawPointer(mutating: UnsafeRawPointer(StaticString("").utf8Start))

    private func address(_ request: HTTPRequest) throws(HTTPError) {
        switch request.target {
        case .socket(let path):
            guard path.utf8.count <= HTTPLimits.socketPathBytes else { throw .socketPathTooLong(path) }
            set(CURLOPT_UNIX_SOCKET_PATH, path)
            set(CURLOPT_PROXY, "")
            set(CURLOPT_PROTOCOLS_STR, "http")
            set(CURLOPT_URL, "http://localhost" + request.path)
        case .origin(let origin):
            guard origin.hasPrefix("http://") || origin.hasPrefix("https://") else { throw .invalidAddress(origin) }
            set(CURLOPT_PROTOCOLS_STR, "http,https")
            // What is meant for this machine is none of a proxy's business.
            let own = ["http://localhost", "http://127.", "http://[::1]"]
            if own.contains(where: origin.hasPrefix) { set(CURLOPT_PROXY, "") }
            set(CURLOPT_URL, origin + request.path)
        }
    }

    private func failure(_ code: CURLcode, _ request: HTTPRequest, _ collector: Collector) -> HTTPError {
        var system = 0
        _ = molt_curl_get_long(handle, CURLINFO_OS_ERRNO, &system)
        let reason = system == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: strerror(Int32(system)))
        switch code {
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            return .cannotConnect(reason, code: Int32(system))
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            return .invalidAddress(request.path)
        case CURLE_OPERATION_TIMEDOUT:
            return .timedOut(seconds: request.timeout)
        case CURLE_WRITE_ERROR where collector.isOver:
            return .answerTooLarge(limit: collector.limit)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE:
            return .secureChannel(String(cString: curl_easy_strerror(code)))
        default:
            return .broken(reason)
        }
    }

    private func set(_ option: CURLoption, _ value: Int) {
        _ = molt_curl_set_long(handle, option, value)
    }

    private func set(_ option: CURLoption, _ value: String) {
        _ = molt_curl_set_string(handle, option, value)
    }
}
