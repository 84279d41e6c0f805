/** Re-running papers and showing what came of it. */
package io.steelyard.cli.reproduce;
