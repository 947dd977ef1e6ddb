#if canImport(Glibc)
import Glibc
#endif

enum Clock {
    /// Seconds since 1970.
    static func now() -> Double { seconds(CLOCK_REALTIME) }

    /// Seconds that no adjustment of the clock can bend.
    static func monotonic() -> Double { seconds(CLOCK_MONOTONIC) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
