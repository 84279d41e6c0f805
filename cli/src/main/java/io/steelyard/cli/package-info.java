/** The {@code steelyard} command: its start, its exit codes and how failures are told. */
package io.steelyard.cli;
