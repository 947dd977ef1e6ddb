import MoltLifecycle
import MoltScheduler

extension SiteReconciler {
    /// Seconds until the kept settings grow too old, negative once they are; nil while something is under way that
    /// further turns would go on with, whatever they see. For a simulation that leaves out turns in which nothing can
    /// change.
    package var rest: Double? {
        guard watched.isEmpty, haunted.isEmpty, failedSends.isEmpty, !wantsLook, look.failures == 0, let settings
        else { return nil }
        return settings.at + Limits.configurationAge - clock.now()
    }
}
