/** What a person sees: streams, tables, progress. */
package io.steelyard.cli.terminal;
