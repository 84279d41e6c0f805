/** What readers say of papers: votes and comments, and the order that follows from them. */
package io.steelyard.feed.discussion;
