/** One class for each subcommand. */
package io.steelyard.cli.command;
