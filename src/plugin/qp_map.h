/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_map.h
 * @brief Config keys that are maps: files KEY.cdb of the config folder.
 *
 * The functions are public, and declared in qpsmtpd.h.
 */
#ifndef QP_MAP_H
#define QP_MAP_H

#include "plugin/qp_config.h"
#include "plugin/qp_plugin.h"

#endif /* QP_MAP_H */
