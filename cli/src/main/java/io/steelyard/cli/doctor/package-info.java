/** What Steelyard finds on this machine, and what to do about what is missing. */
package io.steelyard.cli.doctor;
