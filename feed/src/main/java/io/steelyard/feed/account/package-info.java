/** People: accounts, sessions and what they may do. */
package io.steelyard.feed.account;
