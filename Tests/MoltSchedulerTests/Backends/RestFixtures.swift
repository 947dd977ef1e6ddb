/// Answers of slurmrestd in the versions 41 to 44 of its interface, which the tests' own Slurm does not speak.
///
/// They are laid out after Slurm's own description of each version (`data_parser/v0.0.41` to `v0.0.44`), and were read
/// without complaint by the models that are generated from the description of 25.11 (PyPI: slurmrestapi 25.11.4). What
/// Molt does not read is there too, as a server writes it.
enum RestFixtures {
    static let versions = [41, 42, 43, 44]

    static func release(_ version: Int) -> String {
        [41: "24.05.8", 42: "24.11.5", 43: "25.05.3", 44: "25.11.4"][version] ?? ""
    }

    static func number(_ value: Int) -> String { #"{"set": true, "infinite": false, "number": \#(value)}"# }
    static let unset = #"{"set": false, "infinite": false, "number": 0}"#
    static let infinite = #"{"set": true, "infinite": true, "number": 0}"#

    private static func meta(_ version: Int) -> String {
        let parts = release(version).split(separator: ".")
        return #"""
            "meta": {"plugin": {"type": "openapi/slurmctld", "name": "Slurm OpenAPI slurmctld",
                "data_parser": "data_parser/v0.0.\#(version)", "accounting_storage": ""},
              "client": {"source": "[unix:/run/slurmrestd.socket](fd:9)", "user": "ada", "group": "ada"}, "command": [],
              "slurm": {"version": {"major": "\#(parts[0])", "micro": "\#(parts[2])", "minor": "\#(parts[1])"},
                "release": "\#(release(version))", "cluster": "bed"}}, "errors": [], "warnings": []
            """#
    }

    // MARK: - Jobs

    /// A job that is being put back, one that was cancelled, a member of an array that is held, and one whose requeue
    /// is expedited, for which 44 has a word.
    static func jobs(_ version: Int) -> String {
        let end = exit(status: "SUCCESS", code: number(0))
        let killed = exit(
            status: "SIGNALED", code: unset, signal: #"{"id": \#(number(9)), "name": "Killed"}"#)
        var jobs = [
            job(version, 7, ["PENDING", "COMPLETING"], exit: exit(status: "ERROR", code: number(75))),
            job(version, 8, ["CANCELLED"], exit: killed, limit: infinite),
            job(
                version, 9, ["PENDING", "REQUEUE_HOLD"], exit: end, array: number(5),
                reason: "JobHeldUser"),
        ]
        if version >= 44 { jobs.append(job(version, 10, ["PENDING", "EXPEDITING"], exit: end)) }
        return #"{"jobs": [\#(jobs.joined(separator: ",\n"))], "last_backfill": \#(number(1_795_278_700)), "#
            + #""last_update": \#(number(1_795_278_710)), \#(meta(version))}"#
    }

    private static func exit(status: String, code: String, signal: String? = nil) -> String {
        let none = #"{"id": \#(unset), "name": ""}"#
        return #"{"status": ["\#(status)"], "return_code": \#(code), "signal": \#(signal ?? none)}"#
    }

    private static func job(
        _ version: Int, _ id: Int, _ state: [String], exit: String, limit: String = number(60),
        array: String = number(0), reason: String = "None"
    ) -> String {
        let states = state.map { "\"\($0)\"" }.joined(separator: ", ")
        return #"""
            {"account": "nlp", "accrue_time": \#(number(1_795_278_704)), "admin_comment": "",
             "allocating_node": "login",
             "array_job_id": \#(array), "array_task_id": \#(unset), "array_max_tasks": \#(number(0)),
             "array_task_string": "", "association_id": 0, "batch_features": "", "batch_flag": true, "batch_host": "n1",
             "flags": ["ACCRUE_COUNT_CLEARED", "JOB_WAS_RUNNING", "SCHEDULING_ATTEMPTED"], "cluster": "bed",
             "command": "/runs/a/script.sbatch", "comment": "molt:1:abc", "contiguous": false,
             "cores_per_socket": \#(unset), "billable_tres": \#(number(4)), "cpus_per_task": \#(number(2)),
             "deadline": \#(number(0)), "delay_boot": \#(number(0)), "dependency": "",
             "derived_exit_code": {"status": ["SUCCESS"], "return_code": \#(number(0)), "signal": {"id": \#(unset),
             "name": ""}}, "eligible_time": \#(number(1_795_278_704)), "end_time": \#(number(1_795_282_308)),
             "excluded_nodes": "", "exit_code": \#(exit), "gres_detail": [], "group_id": 1002, "group_name": "ada",
             "het_job_id": \#(number(0)), "het_job_id_set": "", "het_job_offset": \#(number(0)), "job_id": \#(id),
             "job_resources": \#(resources(version)), "job_size_str": [], "job_state": [\#(states)],
             "last_sched_evaluation": \#(number(1_795_278_708)), "licenses": "", "mail_type": [], "mail_user": "ada",
             "max_cpus": \#(number(0)), "max_nodes": \#(number(2)), "memory_per_cpu": \#(unset),
             "memory_per_node": \#(number(3072)), "name": "bot.0123456789", "nodes": "n[1-2]", "nice": 0,
             "cpus": \#(number(4)), "node_count": \#(number(2)), "tasks": \#(number(2)), "partition": "low",
             "power": {"flags": []}, "preempt_time": \#(number(0)), "preemptable_time": \#(number(0)),
             "pre_sus_time": \#(number(0)), "hold": false, "priority": \#(number(4_294_901_757)),
             "profile": ["NOT_SET"], "qos": "", "reboot": false, "required_nodes": "", "requeue": true,
             "resize_time": \#(number(0)), "restart_cnt": 1, "resv_name": "", "scheduled_nodes": "", "shared": [],
             "sockets_per_node": \#(unset), "start_time": \#(number(1_795_278_708)), "state_description": "",
             "state_reason": "\#(reason)", "submit_time": \#(number(1_795_278_704)), "suspend_time": \#(number(0)),
             "time_limit": \#(limit), "time_minimum": \#(number(0)), "threads_per_core": \#(unset), "tres_bind": "",
             "tres_req_str": "cpu=4,mem=6G,node=2,billing=4", "tres_alloc_str": "cpu=4,mem=6G,node=2,billing=4",
             \#(extra(version, id))
             "user_id": 1002, "user_name": "ada", "wckey": "", "current_working_directory": "/runs/a"}
            """#
    }

    private static func resources(_ version: Int) -> String {
        #"""
        {"select_type": ["CPU", "MEMORY"], "nodes": {"count": 2, "select_type": ["AVAILABLE"], "list": "n[1-2]",
         "whole": false, "allocation": []}, "cpus": 4, "threads_per_core": \#(unset)}
        """#
    }

    /// What came with a version, or went.
    private static func extra(_ version: Int, _ id: Int) -> String {
        var fields: [String] = []
        if version == 41 { fields += [#""exclusive": []"#, #""oversubscribe": true"#, #""show_flags": ["ALL"]"#] }
        if version >= 43 {
            fields += [
                #""licenses_allocated": """#, #""segment_size": 0"#, #""stdin_expanded": "/dev/null""#,
                #""stdout_expanded": "/runs/a/slurm.out""#, #""stderr_expanded": """#,
                #""priority_by_partition": [{"partition": "low", "priority": 4294901757}]"#,
            ]
        }
        if version >= 44 {
            fields += [
                #""submit_line": "sbatch script.sbatch""#,
                #""step_id": {"sluid": "s3ZBPVXK4A0M00", "job_id": \#(number(id)), "step_het_component": \#(unset), "#
                    + #""step_id": "TBD"}"#,
            ]
        }
        return fields.map { $0 + "," }.joined(separator: "\n")
    }

    // MARK: - The rest

    /// 41 repeats the answer in a part of its own, as the versions before it do.
    static func submission(_ version: Int) -> String {
        let result =
            #""job_id": 12, "error_code": 0, "error": "No error", "step_id": "batch", "job_submit_user_msg": """#
        return #"{\#(version == 41 ? #""result": {\#(result)}, "# : "")"job_id": 12, "step_id": "batch", "#
            + #""job_submit_user_msg": "look at /motd", \#(meta(version))}"#
    }

    static func pings(_ version: Int) -> String {
        let newer = version == 41 ? "" : #", "responding": true, "primary": true"#
        return #"{"pings": [{"hostname": "head", "pinged": "UP", "latency": 211, "mode": "primary"\#(newer)}], "#
            + meta(version) + "}"
    }

    static func partitions(_ version: Int) -> String {
        #"""
        {"partitions": [{"nodes": {"allowed_allocation": "", "configured": "n[1-2]", "total": 2},
          "accounts": {"allowed": "", "deny": ""}, "groups": {"allowed": ""}, "qos": {"allowed": "", "deny": "",
          "assigned": ""}, "alternate": "", "tres": {"billing_weights": "", "configured": "cpu=16,mem=8G,node=2"},
          "cluster": "", "select_type": [], "cpus": {"task_binding": 0, "total": 16},
          "defaults": {"memory_per_cpu": 0, "partition_memory_per_cpu": \#(unset),
            "partition_memory_per_node": \#(infinite), "time": \#(number(30)), "job": ""}, "grace_time": 20,
          "maximums": {"cpus_per_node": \#(infinite), "cpus_per_socket": \#(infinite), "memory_per_cpu": 0,
            "partition_memory_per_cpu": \#(unset), "partition_memory_per_node": \#(infinite), "nodes": \#(infinite),
            "shares": 1, "oversubscribe": {"jobs": 1, "flags": []}, "time": \#(number(120)),
            "over_time_limit": \#(unset)}, "minimums": {"nodes": 0}, "name": "low20", "node_sets": "",
          "priority": {"job_factor": 1, "tier": 3}, "timeouts": {"resume": \#(unset), "suspend": \#(unset)},
          "partition": {"state": ["UP"]}, "suspend_time": \#(unset)}],
         "last_update": \#(number(1_795_278_710)), \#(meta(version))}
        """#
    }

    static func nodes(_ version: Int) -> String {
        let all = ["IDLE", "DOWN\", \"NOT_RESPONDING"].enumerated().map { number, state in
            #"""
            {"architecture": "x86_64", "boards": 1, "boot_time": \#(Self.number(1_795_270_000)), "cluster_name": "",
             "cores": 8, "cpu_binding": 0, "cpu_load": 12, "free_mem": \#(Self.number(3000)), "cpus": 8,
             "effective_cpus": 8, "energy": {"average_watts": 0, "base_consumed_energy": 0, "consumed_energy": 0,
             "current_watts": \#(unset), "previous_consumed_energy": 0, "last_collected": 0}, "external_sensors": {},
             "power": {}, "features": [], "active_features": [], "gres": "gpu:h100:4(S:0-1)", "gres_used": "gpu:h100:0",
             "last_busy": \#(Self.number(1_795_278_000)), "name": "n\#(number + 1)",
             "next_state_after_reboot": ["INVALID"],
             "address": "n\#(number + 1)", "hostname": "n\#(number + 1)", "state": ["\#(state)"],
             "operating_system": "Linux", "owner": "", "partitions": ["low20"], "port": 6818, "real_memory": 4096,
             "comment": "", "reason": "", "reason_changed_at": \#(Self.number(0)), "sockets": 1, "threads": 1,
             "weight": 1, "tres": "cpu=8,mem=4G", "version": "\#(release(version))"}
            """#
        }
        return #"{"nodes": [\#(all.joined(separator: ",\n"))], "last_update": \#(number(1_795_278_710)), "#
            + meta(version) + "}"
    }

    /// Of a request that slurmctld refused.
    static func refusal(_ version: Int) -> String {
        let error =
            #"{"description": "Invalid partition name specified", "error_number": 2000, "#
            + #""error": "Invalid partition name specified", "source": "slurm_submit_batch_job()"}"#
        return "{" + meta(version).replacing(#""errors": []"#, with: #""errors": [\#(error)]"#) + "}"
    }
}
