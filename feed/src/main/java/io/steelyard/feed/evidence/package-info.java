/** What Steelyard built of a paper and what its runs say. */
package io.steelyard.feed.evidence;
