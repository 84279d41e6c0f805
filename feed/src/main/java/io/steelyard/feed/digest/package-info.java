/** The digest: who gets which papers by mail. */
package io.steelyard.feed.digest;
