/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file qp_temp.h
 * @brief Temporary files of plugins; the functions for them are in qpsmtpd.h.
 */
#ifndef QP_TEMP_H
#define QP_TEMP_H

#include "plugin/qp_settings.h"

/** Removes what plugins of dead processes left in @a dir. Folders that are
 *  meant to stay do. @return how many there were */
int qp_temp_sweep(const char *dir);

#endif /* QP_TEMP_H */
