/**
 * Operators in the browser: what a page needs to edit a call, and how a call is run and limited.
 */
package io.steelyard.feed.playground;
