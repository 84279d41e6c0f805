/** The runs behind a paper's claims: making them with progress, and showing what they say. */
package io.steelyard.cli.evidence;
