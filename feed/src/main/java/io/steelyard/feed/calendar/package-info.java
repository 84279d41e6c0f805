/** Days, weeks and months of the feed. */
package io.steelyard.feed.calendar;
