import ArgumentParser
import MoltAPI
import MoltCore
import MoltRecipe

/// Runs one command line and turns whatever happens into an exit code; `main` only calls this.
package enum MoltProgram {
    package static func run(_ arguments: [String]) async -> Int32 {
        defer { RelayBridge.removeFolders() }
        do {
            var command = try MoltCommand.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return CommandExit.success.rawValue
        } catch let code as ExitCode {
            return code.rawValue
        } catch let failure as CommandFailure {
            return end(failure)
        } catch let error as ClientError {
            return end(error.failure)
        } catch let error as APIError {
            return end(CommandFailure(error.userError, exit: error.code.commandExit))
        } catch let error as UserError {
            return end(CommandFailure(error, exit: .userError))
        } catch let errors as RecipeErrors {
            Console.error("molt: \(errors)")
            return CommandExit.userError.rawValue
        } catch let error as FileError {
            return end(CommandFailure(UserError("\(error)"), exit: .userError))
        } catch {
            return parserSaid(error)
        }
    }

    private static func end(_ failure: CommandFailure) -> Int32 {
        if let message = failure.message { Console.error("molt: \(message)") }
        return failure.exit.rawValue
    }

    /// Help and the version are answers; everything else the parser says is about wrong input.
    private static func parserSaid(_ error: any Error) -> Int32 {
        let message = MoltCommand.fullMessage(for: error)
        guard MoltCommand.exitCode(for: error).isSuccess else {
            if !message.isEmpty { Console.error(message) }
            return CommandExit.userError.rawValue
        }
        if !message.isEmpty { Console.out(message) }
        return CommandExit.success.rawValue
    }
}
