/** Papers as the feed keeps them. */
package io.steelyard.feed.paper;
