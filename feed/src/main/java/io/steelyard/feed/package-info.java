/** A self-hosted site of daily papers that run: what was built, what was measured, what to try. */
package io.steelyard.feed;
